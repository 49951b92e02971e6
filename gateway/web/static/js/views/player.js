// The recording of a call: the browser's own player, and which leg to hear.
import { audioAddress } from "../api.js";
import { place } from "../clock.js";
import { html, ref, watch } from "../dom.js";
import { roleName } from "../words.js";

export const Player = {
  props: { ticketId: { type: String, required: true }, legs: { type: Array, required: true }, seconds: { type: Number, required: true } },
  emits: ["position"],
  setup(props, { emit, expose }) {
    const audio = ref(null);
    const leg = ref("");
    const problem = ref("");
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

    const choice = (id, words) => html`
      <button key=${id} type="button" class=${{ on: leg.value === id }} aria-pressed=${leg.value === id} onClick=${() => { leg.value = id; }}>${words}</button>`;

    return () => html`
      <section class="player" aria-label="通话录音">
        <audio ref=${audio} controls preload="metadata" src=${audioAddress(props.ticketId, leg.value)}
          onPlay=${started} onTimeupdate=${tell} onSeeked=${tell} onError=${() => { problem.value = "录音无法播放，请稍后重试"; }}
          onLoadedmetadata=${() => { problem.value = ""; }} />
        <div class="player-legs" role="group" aria-label="听哪一方">
          ${choice("", "全部")}${props.legs.filter((one) => one.recorded).map((one) => choice(one.id, roleName(one.role)))}
          <small>共 ${place(props.seconds)}</small>
        </div>
        <p class="problem" role="alert">${problem.value}</p>
      </section>`;
  },
};
