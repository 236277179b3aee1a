// The game: light-cycles on a grid. The same inputs must make the same world on every machine, so
// it knows no clock, no chance, no fractions, and no order but that of its riders.

export const SIZE = 32;
const MOVES = [[0, -1], [1, 0], [0, 1], [-1, 0]]; // headings: up, right, down, left
const STARTS = [
  [4, 15, 1], [27, 16, 3], [16, 4, 2], [15, 27, 0], [4, 4, 1], [27, 27, 3], [27, 4, 2], [4, 27, 0],
]; // x, y, heading: for eight

// ids: of the riders. walls: whose is in each cell; 1 is the first rider's, 0 nobody's.
export function newWorld(ids) {
  const riders = [...ids].sort().slice(0, STARTS.length).map((id, index) => {
    const [x, y, heading] = STARTS[index];
    return { id, x, y, heading, isAlive: true };
  });
  const world = { riders, walls: new Uint8Array(SIZE * SIZE) };
  build(world);
  return world;
}

// One step further. wanted: headings by id; who says nothing goes straight on.
export function advance(world, wanted) {
  const { riders } = world;
  for (const rider of riders) {
    if (!rider.isAlive) continue;
    const heading = wanted.get(rider.id);
    const isTurn = MOVES[heading] && (heading + rider.heading) % 2 === 1; // on and back are none
    if (isTurn) rider.heading = heading;
    rider.x += MOVES[rider.heading][0];
    rider.y += MOVES[rider.heading][1];
  }
  const moved = riders.filter((rider) => rider.isAlive);
  const crashed = moved.filter((one) => isBlocked(world, one) || moved.some(meets(one)));
  for (const rider of crashed) rider.isAlive = false;
  build(world);
}

export function isOver({ riders }) {
  const left = riders.filter((rider) => rider.isAlive).length;
  return left === 0 || (left === 1 && riders.length > 1);
}

// FNV-1a over all there is: worlds that differ in anything have different ones.
export function checksum({ riders, walls }) {
  const heads = riders.flatMap(({ x, y, heading, isAlive }) => [x, y, heading, Number(isAlive)]);
  let sum = 2166136261;
  for (const number of [...heads, ...walls]) sum = Math.imul(sum ^ (number & 255), 16777619);
  return (sum >>> 0).toString(16).padStart(8, "0");
}

function build({ riders, walls }) {
  riders.forEach(({ x, y, isAlive }, index) => {
    if (isAlive) walls[y * SIZE + x] = index + 1;
  });
}

function isBlocked({ walls }, { x, y }) {
  return x < 0 || y < 0 || x >= SIZE || y >= SIZE || walls[y * SIZE + x] !== 0;
}

function meets(one) {
  return (other) => one !== other && one.x === other.x && one.y === other.y;
}
