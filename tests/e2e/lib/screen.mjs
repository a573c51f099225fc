// A screen that nobody sees, and a picture of what is on it.
//
// The picture is read from the memory of the screen itself: WebKitWebDriver's own waits for a frame that a page at rest
// does not draw.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";

export async function startScreen(width, height) {
  const folder = mkdtempSync(join(tmpdir(), "baton-screen-"));
  const child = spawn("Xvfb", ["-displayfd", "3", "-screen", "0", `${width}x${height}x24`, "-fbdir", folder, "-nocursor", "-nolisten", "tcp"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const [number] = await once(child.stdio[3].setEncoding("utf8"), "data");
  return {
    display: `:${number.trim()}`,
    picture: () => toPng(readFileSync(join(folder, "Xvfb_screen0"))),
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill();
        await once(child, "exit");
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** X's own format (XWD, 32 bits a pixel) as PNG. */
function toPng(dump) {
  const field = (index) => dump.readUInt32BE(index * 4);
  const [headerSize, width, height, isBigEndian, bytesPerLine, colours] = [0, 4, 5, 7, 12, 19].map(field);
  const start = headerSize + colours * 12;
  const [red, green, blue] = isBigEndian ? [1, 2, 3] : [2, 1, 0];
  const rows = Buffer.alloc(height * (width * 3 + 1));
  let to = 0;
  for (let y = 0; y < height; y += 1) {
    // Each line of a PNG begins with its filter: 0 is none.
    to += 1;
    for (let x = 0; x < width; x += 1) {
      const from = start + y * bytesPerLine + x * 4;
      rows[to] = dump[from + red];
      rows[to + 1] = dump[from + green];
      rows[to + 2] = dump[from + blue];
      to += 3;
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", head), chunk("IDAT", deflateSync(rows, { level: 9 })), chunk("IEND", Buffer.alloc(0))]);
}

function chunk(type, content) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), content]);
  const frame = Buffer.alloc(body.length + 8);
  frame.writeUInt32BE(content.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), body.length + 4);
  return frame;
}
