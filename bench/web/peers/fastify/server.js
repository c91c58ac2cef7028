// The two tasks as a Node developer writes them by hand: Fastify in front, undici to the services, no record kept.
import Fastify from "fastify";
import { Pool } from "undici";

const [port, stub] = [Number(process.argv[2]), process.argv[3]];
const services = new Pool(stub, { connections: 256 });
const app = Fastify();

app.post(
  "/greet",
  { schema: { body: { type: "object", required: ["name"], properties: { name: { type: "string" } } } } },
  async (request) => ({ status: "success", output: { greeting: `Hello ${request.body.name}` } }),
);

app.post("/weather", async () => {
  const { body } = await services.request({ path: "/weather", method: "GET" });
  const { temp } = await body.json();
  const text = temp > 75 ? `It's hot! ${temp}F` : temp < 50 ? `It's cold! ${temp}F` : `Normal weather! ${temp}F`;
  const sent = await services.request({
    path: "/slack",
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer token" },
    body: JSON.stringify({ channel: "#general", text }),
  });
  return { status: "success", output: await sent.body.json() };
});

await app.listen({ port, host: "127.0.0.1", backlog: 2048 });
