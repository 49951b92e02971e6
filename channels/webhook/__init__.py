"""Webhooks (事件推送): telling other systems over HTTP what happens, signed."""
