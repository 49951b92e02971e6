// The console: signs in, follows the live messages, and shows the view that the address names.
import { api, whenSignedOut } from "./api.js";
import { html, onMounted, ref, watch } from "./dom.js";
import { connect, disconnect, live } from "./live.js";
import { leaveInbox, watchInbox } from "./inbox.js";
import { me } from "./me.js";
import { route } from "./route.js";
import { Accounts } from "./views/accounts.js";
import { ArticlePage } from "./views/article-page.js";
import { Calls } from "./views/calls.js";
import { CaseDetail } from "./views/case-detail.js";
import { Cases } from "./views/cases.js";
import { Inbox } from "./views/inbox.js";
import { Journal } from "./views/journal.js";
import { Knowledge } from "./views/knowledge.js";
import { Reports } from "./views/reports.js";
import { SignIn } from "./views/sign-in.js";
import { TicketDetail } from "./views/ticket-detail.js";
import { Tickets } from "./views/tickets.js";
import { UrgentLetters } from "./views/urgent-letters.js";
import { TopBar } from "./views/top-bar.js";
import { catalogue } from "./words.js";

const TITLE = document.title;
const VIEWS = { calls: Calls, tickets: Tickets, cases: Cases, inbox: Inbox, reports: Reports, knowledge: Knowledge, journal: Journal, accounts: Accounts };

const Console = {
  setup() {
    const state = ref("starting");
    const problem = ref("");

    function leave() {
      if (state.value !== "door") {
        disconnect();
        leaveInbox();
        me.value = null;
        state.value = "door";
      }
    }
    async function enter(who) {
      Object.assign(catalogue, await api.catalogue());
      me.value = who;
      state.value = "open";
      watchInbox();
      if (who.role !== "unit") connect(leave); // a unit has no part in calls
    }
    async function start() {
      problem.value = "";
      try {
        await enter(await api.session());
      } catch (error) {
        if (error.status === 401) state.value = "door";
        else problem.value = error.message;
      }
    }
    async function signOut() {
      await api.signOut().catch(() => {});
      leave();
    }
    // The window's name says it too when the console is behind other windows.
    const urgent = () => live.calls.filter((entry) => !entry.over && entry.call.state === "emergency").map((entry) => entry.ticket?.emergency_line);
    watch(() => urgent().join("、"), (lines) => {
      document.title = lines ? `【紧急 ${lines}】接诉` : TITLE;
    });
    whenSignedOut(leave);
    onMounted(start);

    const view = () => {
      const { view: name, id } = route.value;
      if (me.value.role === "unit" && name === "inbox") return Inbox;
      if (name === "reports") return Reports;
      if (me.value.role === "unit" || name === "cases") return name === "cases" && id ? CaseDetail : Cases;
      if (name === "knowledge" && id) return ArticlePage;
      return name === "tickets" && id ? TicketDetail : VIEWS[name] ?? Calls;
    };

    return () => {
      if (problem.value) return html`<p class="starting" role="alert">${problem.value}　<button type="button" onClick=${start}>重试</button></p>`;
      if (state.value === "starting") return html`<p class="starting">正在打开坐席台……</p>`;
      if (state.value === "door") return html`<${SignIn} onDone=${enter} />`;
      return html`
        <div class="console">
          <${TopBar} onSign-out=${signOut} />
          ${live.state === "lost" && html`<p class="banner" role="alert">与服务器的连接断了，正在重连……通话不受影响，恢复后自动补齐。</p>`}
          ${me.value.role !== "unit" && html`<${UrgentLetters} />`}
          <${view()} />
        </div>`;
    };
  },
};

const app = window.Vue.createApp(Console);
app.use(window.ElementPlus, { locale: window.ElementPlusLocaleZhCn });
app.mount("#app");
