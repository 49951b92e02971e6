"""WeChat (微信公众号): what citizens write to the hotline's official account, and what it tells them."""
