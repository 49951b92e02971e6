"""stub."""
import sys
from gateway.services.feed import Said, TicketChanged
from gateway.domain.events import Fact
class View:
    def take(self, item):
        if isinstance(item, Fact): print(f"{item.offset if item.offset is not None else '':>8} {item.kind} {dict(item.values)}", file=sys.stderr)
        elif isinstance(item, Said): print("        ", item.role.value, getattr(item.utterance,'text',item.utterance), getattr(item.utterance,'is_final',''), file=sys.stderr)
    def loading(self, s): print("loading", s, file=sys.stderr)
    def opened(self, g): print(*g.announcement(), sep="\n", file=sys.stderr)
    def story(self, n): print("story", n, file=sys.stderr)
    def heard(self, found):
        for p, h in found.items():
            print(p, {s.path.name: round(v,3) for s,v in h.scores.items()}, file=sys.stderr)
