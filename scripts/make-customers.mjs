// Writes workflows/data/customers.csv: 2,000 invented customers, the same at every run.
//
// Nobody in it exists. A few rows are wrong on purpose (no e-mail, negative spend, an id twice), so that the quality
// gate of the sample *Churn retention* has something to find.
import { writeFileSync } from "node:fs";

let state = 20260101;
/** A number from 0 to 1, from a seeded generator (mulberry32). */
function chance() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}

const segments = [
  { name: "basic", share: 0.5, spend: 18 },
  { name: "plus", share: 0.28, spend: 39 },
  { name: "premium", share: 0.16, spend: 79 },
  { name: "business", share: 0.06, spend: 260 },
];

function segment() {
  let left = chance();
  for (const one of segments) {
    if (left < one.share) return one;
    left -= one.share;
  }
  return segments[0];
}

const rows = ["customer_id,email,segment,region,tenure_months,monthly_spend,support_tickets,days_since_login"];
for (let number = 1; number <= 2000; number++) {
  const { name, spend } = segment();
  const id = `C${String(number === 777 ? 776 : number).padStart(5, "0")}`;
  const email = chance() < 0.01 ? "" : `customer${number}@example.com`;
  const region = ["north", "south", "east", "west"][Math.floor(chance() * 4)];
  const tenure = Math.floor(chance() ** 1.5 * 96) + 1;
  let amount = spend * (0.6 + chance() * 0.9);
  if (chance() < 0.004) amount = -amount;
  const tickets = Math.floor(chance() ** 3 * 9);
  const login = Math.floor(chance() ** 2.2 * 90);
  rows.push([id, email, name, region, tenure, amount.toFixed(2), tickets, login].join(","));
}
writeFileSync(new URL("../workflows/data/customers.csv", import.meta.url), `${rows.join("\n")}\n`);
