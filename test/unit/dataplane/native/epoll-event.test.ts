import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EpollEvents, epollLayout } from "../../../../src/dataplane/native/epoll-event.js";

describe("struct epoll_event", () => {
  test("is 12 packed bytes on x86-64", () => {
    const buffer = new ArrayBuffer(EpollEvents.bytes(2, epollLayout("x64")));
    assert.equal(buffer.byteLength, 24);
    new EpollEvents(buffer, epollLayout("x64")).set(1, 0x2001, 7, 9);
    const view = new DataView(buffer);
    assert.equal(view.getUint32(12, true), 0x2001);
    assert.equal(view.getBigUint64(16, true), (9n << 32n) | 7n);
  });

  test("is 16 aligned bytes on arm64", () => {
    const buffer = new ArrayBuffer(EpollEvents.bytes(2, epollLayout("arm64")));
    assert.equal(buffer.byteLength, 32);
    new EpollEvents(buffer, epollLayout("arm64")).set(1, 0x2001, 7, 9);
    const view = new DataView(buffer);
    assert.equal(view.getUint32(16, true), 0x2001);
    assert.equal(view.getBigUint64(24, true), (9n << 32n) | 7n);
  });

  for (const arch of ["x64", "arm64"]) {
    test(`is read as the kernel wrote it on ${arch}`, () => {
      const { stride, data } = epollLayout(arch);
      const buffer = new ArrayBuffer(EpollEvents.bytes(3, epollLayout(arch)));
      const view = new DataView(buffer);
      view.setUint32(2 * stride * 4, 0x2019, true);
      view.setBigUint64((2 * stride + data) * 4, (0xffffffffn << 32n) | 0x40000001n, true);
      const events = new EpollEvents(buffer, epollLayout(arch));
      assert.equal(events.events(2), 0x2019);
      assert.equal(events.subject(2), 0x40000001);
      assert.equal(events.generation(2), -1, "a generation is a signed word, as in its column");
    });
  }
});
