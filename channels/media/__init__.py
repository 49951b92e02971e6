"""Telephone audio: RTP legs, conference mixing, prompts, recordings and taps, in a process of its own.

The pure modules (g711, rtp, jitter, concealment, dtmf, mixer, wav, latch, ports, switch) know neither sockets nor
clocks. ``process`` is the media process, ``client`` is what call control talks to.
"""
