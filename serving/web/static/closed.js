// A page that is not for who is logged in: the way out works.
import { send } from "./api.js";

document.querySelector("#logout").addEventListener("click", async () => {
  await send("DELETE", "/session");
  location.assign("/");
});
