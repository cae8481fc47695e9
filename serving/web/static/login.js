// The form at the door: registers the first account, or logs in. The token goes into a cookie scripts cannot read.
import { send } from "./api.js";

const form = document.querySelector("#login");
const problem = document.querySelector("#problem");
const first = form.dataset.first === "yes";

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { username, password, confirmation } = Object.fromEntries(new FormData(form));
  const button = form.querySelector("button");
  problem.hidden = true;
  if (!username.trim() || !password) return complain("Enter your name and your password.");
  if (first && password !== confirmation) return complain("The two passwords differ. Enter the same one twice.");
  button.disabled = true;
  try {
    if (first) await send("POST", "/register", { username, password, confirmation });
    await send("POST", "/session", { username, password });
    location.reload(); // the same address, now with the page behind the door
  } catch (error) {
    complain(error.message);
    button.disabled = false;
  }
});

function complain(message) {
  problem.textContent = message.charAt(0).toUpperCase() + message.slice(1);
  problem.hidden = false;
}
