// Markup without a template compiler: htm turns tagged templates into calls of Vue's h(), so the page needs neither a
// build step nor 'unsafe-eval'. A component's children become its default slot; an object of functions is its slots.
import htm from "/static/vendor/htm.module.js";

const { h, isVNode } = window.Vue;

const isSlots = (child) => child !== null && typeof child === "object" && !isVNode(child) && !Array.isArray(child);

function create(type, props, ...children) {
  this[0] = 3; // htm's "never cache this": Vue wants a fresh node each time
  if (typeof type === "string") return h(type, props, children);
  if (children.length === 0) return h(type, props);
  if (children.length === 1 && isSlots(children[0])) return h(type, props, children[0]);
  return h(type, props, { default: () => children });
}

export const html = htm.bind(create);
export const { computed, nextTick, onBeforeUnmount, onMounted, reactive, ref, shallowRef, watch } = window.Vue;
export const {
  ElButton, ElDialog, ElForm, ElFormItem, ElInput, ElMessage, ElMessageBox, ElOption, ElPopover, ElSelect, ElSwitch,
  ElTooltip,
} = window.ElementPlus;
