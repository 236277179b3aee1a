// Draws cursors and ripples, frame by frame.

const GLIDE_MS = 60; // in which a shown cursor comes most of the way to where its owner is
const RIPPLE_MS = 900;
const ARROW = [[0, 0], [0, 20], [5, 15], [14, 14]]; // pixels right and down of the tip

// scene: () => { cursors: [{ x, y, name, hue }], ripples: [{ x, y, hue, since }], me }
export function draw(canvas, scene) {
  const pen = canvas.getContext("2d");
  let before = performance.now();

  function frame(now) {
    fit(canvas, pen);
    const style = getComputedStyle(canvas); // the colours change with the scheme
    const colourOf = (hue) => style.getPropertyValue(`--hue-${hue}`);
    const { cursors, ripples, me } = scene();
    for (const one of ripples) drawRipple(pen, canvas, one, colourOf(one.hue), now);
    while (ripples.length && now - ripples[0].since > RIPPLE_MS) ripples.shift();
    for (const cursor of cursors) {
      glide(cursor, 1 - Math.exp((before - now) / GLIDE_MS));
      drawCursor(pen, canvas, cursor.shown, cursor.name, colourOf(cursor.hue));
    }
    drawCursor(pen, canvas, me, me.name, colourOf(me.hue));
    before = now;
    requestAnimationFrame(frame);
  }

  requestAnimationFrame(frame);
}

// The canvas has as many pixels as the screen has for it.
function fit(canvas, pen) {
  const { clientWidth, clientHeight } = canvas;
  const width = Math.round(clientWidth * devicePixelRatio);
  const height = Math.round(clientHeight * devicePixelRatio);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  pen.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  pen.clearRect(0, 0, clientWidth, clientHeight);
}

// Positions come twenty times a second; in between, a cursor is on its way to the last one.
function glide(cursor, part) {
  cursor.shown ??= { x: cursor.x, y: cursor.y };
  cursor.shown.x += (cursor.x - cursor.shown.x) * part;
  cursor.shown.y += (cursor.y - cursor.shown.y) * part;
}

function drawCursor(pen, canvas, { x, y }, name, colour) {
  const left = x * canvas.clientWidth;
  const top = y * canvas.clientHeight;
  pen.fillStyle = colour;
  pen.beginPath();
  for (const [right, down] of ARROW) pen.lineTo(left + right, top + down);
  pen.fill();
  pen.font = "600 14px system-ui, sans-serif";
  const isFarRight = left + 20 + pen.measureText(name).width > canvas.clientWidth;
  pen.textAlign = isFarRight ? "right" : "left";
  pen.fillText(name, left + (isFarRight ? -6 : 16), Math.min(top + 28, canvas.clientHeight - 4));
}

function drawRipple(pen, canvas, { x, y, since }, colour, now) {
  const age = Math.max(0, Math.min(1, (now - since) / RIPPLE_MS));
  pen.globalAlpha = 1 - age;
  pen.strokeStyle = colour;
  pen.lineWidth = 3;
  pen.beginPath();
  pen.arc(x * canvas.clientWidth, y * canvas.clientHeight, 8 + 60 * age, 0, 2 * Math.PI);
  pen.stroke();
  pen.globalAlpha = 1;
}
