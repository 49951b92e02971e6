"""Telegram: what citizens write to the hotline's bot, and what it tells them (Bot API 9)."""
