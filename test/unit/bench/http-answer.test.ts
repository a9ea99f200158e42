import assert from "node:assert/strict";
import { test } from "node:test";
import { answerBytes } from "../../../bench/load/http-answer.js";

const HEAD = "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 12\r\n\r\n";

test("the length of an answer is that of its head and its body, whether the body has come or not", () => {
  assert.equal(answerBytes(HEAD), HEAD.length + 12);
  assert.equal(answerBytes(`${HEAD}hello`), HEAD.length + 12);
});

test("the length is not known before the head is complete", () => {
  assert.equal(answerBytes(HEAD.slice(0, -1)), undefined);
});

test("an answer that is no success, or tells no length, is refused with what it says", () => {
  assert.throws(() => answerBytes(HEAD.replace("200 OK", "503 Busy")), {
    message: 'answered with "HTTP/1.1 503 Busy"',
  });
  assert.throws(() => answerBytes("HTTP/1.1 200 OK\r\n\r\n"), { message: "the answer tells no length" });
});
