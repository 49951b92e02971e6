// The pictures and papers of the draft: taken or chosen, made smaller where too large, shown, taken away again.
import { $, icon, make } from "./dom.js";
import { dropPicture, keepPicture, newKey, recallPictures } from "./store.js";

const SIDE = 2560;
const CROSS = "M6 6l12 12M18 6L6 18";
let limits = { files: 9, file_size: 8 * 1024 * 1024 };
let shown = [];
let onChange = () => {};

export async function usePhotos(options, changed) {
  limits = options;
  onChange = changed;
  $("photos-field").hidden = limits.files === 0;
  const megabytes = Math.floor(limits.file_size / 1048576);
  $("photos-hint").textContent = `最多 ${limits.files} 个，每个不超过 ${megabytes} MB；照片太大会自动缩小。`;
  for (const input of [$("camera"), $("files")]) {
    input.addEventListener("change", async () => {
      const chosen = [...input.files];
      input.value = "";
      await take(chosen);
    });
  }
  shown = await recallPictures();
  draw();
}

export const photos = () => shown.map(({ blob, name }) => ({ blob, name }));

export async function clearPhotos() {
  for (const { id } of shown) await dropPicture(id);
  shown = [];
  draw();
}

async function take(chosen) {
  const refused = [];
  for (const file of chosen) {
    const blob = await fitting(file);
    if (shown.length >= limits.files) refused.push(`最多 ${limits.files} 个附件，“${file.name}”没有加上`);
    else if (!blob) refused.push(`“${file.name}”太大，没有加上`);
    else {
      const picture = { id: newKey(), at: Date.now() + shown.length, name: file.name || "照片.jpg", blob };
      shown.push(picture);
      await keepPicture(picture);
    }
  }
  draw();
  onChange(refused.join("；"));
  $("photos-note").textContent = refused.length ? refused.join("；") : `已有 ${shown.length} 个附件`;
}

// The file if it is small enough; a picture that is not, drawn smaller; null for anything else.
export async function fitting(file, most = limits.file_size) {
  if (file.size <= most) return file;
  if (!file.type.startsWith("image/")) return null;
  try {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height));
    const canvas = make("canvas", { width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) });
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.85));
    return blob && blob.size <= most ? blob : null;
  } catch {
    return null;
  }
}

function draw() {
  const list = $("photos");
  for (const image of list.querySelectorAll("img")) URL.revokeObjectURL(image.src);
  list.replaceChildren(...shown.map((picture, index) => make("li", {}, view(picture), removal(picture, index))));
}

function view({ blob, name }) {
  if (!blob.type.startsWith("image/")) return make("span", { className: "paper" }, name);
  return make("img", { src: URL.createObjectURL(blob), alt: name });
}

function removal(picture, index) {
  const button = make("button", { type: "button", "aria-label": `删除附件 ${index + 1}：${picture.name}` }, icon(CROSS));
  button.addEventListener("click", async () => {
    shown = shown.filter((other) => other !== picture);
    await dropPicture(picture.id);
    draw();
    onChange("");
    $("photos-note").textContent = `已删除，还有 ${shown.length} 个附件`;
    ($("photos").querySelectorAll("button")[Math.min(index, shown.length - 1)] ?? $("files")).focus();
  });
  return button;
}
