// The recordings of a call: the browser's own player, which conversation to hear, and which of its two sides.
import { audioAddress } from "../api.js";
import { computed, html, ref, watch } from "../dom.js";
import { roleName } from "../words.js";

const LEFT = 0;
const RIGHT = 1;
const BOTH = -1;

// Lets one side of a two-track sound be heard in both ears; both sides stay left and right.
function listening(element) {
  const context = new AudioContext();
  const source = context.createMediaElementSource(element);
  const splitter = context.createChannelSplitter(2);
  return (side) => {
    source.disconnect();
    splitter.disconnect();
    if (side === BOTH) {
      source.connect(context.destination);
    } else {
      source.connect(splitter);
      splitter.connect(context.destination, side);
    }
    context.resume();
  };
}

export const Player = {
  props: { ticketId: { type: String, required: true }, legs: { type: Array, required: true } },
  emits: ["position"],
  setup(props, { emit, expose }) {
    const audio = ref(null);
    const recorded = computed(() => props.legs.filter((leg) => leg.recorded));
    const leg = ref(recorded.value.find((one) => one.role === "citizen")?.id ?? recorded.value[0].id);
    const role = computed(() => recorded.value.find((one) => one.id === leg.value)?.role ?? "citizen");
    const side = ref(BOTH);
    const problem = ref("");
    let route = null;
    let frame = 0;

    const tell = () => emit("position", audio.value?.currentTime ?? -1);
    const follow = () => {
      tell();
      frame = audio.value && !audio.value.paused ? requestAnimationFrame(follow) : 0;
    };
    const started = () => {
      cancelAnimationFrame(frame);
      follow();
    };
    const hear = (wanted) => {
      if (!route && wanted !== BOTH) route = listening(audio.value);
      side.value = wanted;
      route?.(wanted);
    };
    expose({
      seek(seconds) {
        audio.value.currentTime = seconds;
        audio.value.play().catch(() => {});
        tell();
      },
    });
    watch(leg, () => {
      const at = audio.value.currentTime;
      audio.value.addEventListener("loadedmetadata", () => { audio.value.currentTime = at; }, { once: true });
    });

    const choice = (isOn, words, choose) => html`
      <button key=${words} type="button" class=${{ on: isOn }} aria-pressed=${isOn} onClick=${choose}>${words}</button>`;
    const conversation = (one) => (one.role === "citizen" ? "与市民的通话" : `${roleName(one.role)}与单位商议`);

    return () => html`
      <section class="player" aria-label="通话录音">
        <audio ref=${audio} controls preload="metadata" src=${audioAddress(props.ticketId, leg.value)}
          onPlay=${started} onTimeupdate=${tell} onSeeked=${tell} onError=${() => { problem.value = "录音无法播放，请稍后重试"; }}
          onLoadedmetadata=${() => { problem.value = ""; }} />
        <div class="player-legs">
          ${recorded.value.length > 1 && html`<span role="group" aria-label="听哪一段">${recorded.value.map((one) => choice(leg.value === one.id, conversation(one), () => { leg.value = one.id; }))}</span>`}
          <span role="group" aria-label="听哪一方">
            ${choice(side.value === BOTH, "双方", () => hear(BOTH))}${choice(side.value === LEFT, roleName(role.value), () => hear(LEFT))}${choice(side.value === RIGHT, "其他方", () => hear(RIGHT))}
          </span>
          <small>左声道是${roleName(role.value)}，右声道是其所听到的</small>
        </div>
        <p class="problem" role="alert">${problem.value}</p>
      </section>`;
  },
};
