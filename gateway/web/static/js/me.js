// Who is signed in; null at the door.
import { ref } from "./dom.js";

export const me = ref(null);
