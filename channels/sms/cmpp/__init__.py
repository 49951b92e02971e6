"""CMPP 2.0 and 3.0 (中国移动互联网短信网关接口协议): China Mobile Peer to Peer, between a service and its gateway."""
