// The original design of mentor-pause: a loop of supabase-js calls, one awaited call per mentor, and afterwards the audit
// rows in batches of fifty. Reads {url, key, org, run, asOf, mentors} from standard input. Prints the seconds that it
// took and the number of paused mentors.
import { readFileSync } from "node:fs";
import { createClient } from "@supabase/supabase-js";

const { url, key, org, run, asOf, mentors } = JSON.parse(readFileSync(0, "utf8"));
const supabase = createClient(url, key, {
  auth: { persistSession: false, autoRefreshToken: false },
  realtime: { transport: class {} }, // never opened; Node.js 20 has no WebSocket of its own
});

const began = performance.now();
const audit = [];
for (const mentor of mentors) {
  const { data, error } = await supabase.rpc("update_mentor_status", {
    p_mentor_id: mentor,
    p_org_id: org,
    p_status: "paused",
    p_reason: "certification_expired",
    p_job_run_id: run,
    p_as_of: asOf,
  });
  if (error) {
    console.error(JSON.stringify({ mentor_id: mentor, ...error }));
    continue;
  }
  if (data[0].outcome === "changed") {
    audit.push({
      mentor_id: mentor,
      previous_status: data[0].previous_status,
      new_status: data[0].new_status,
      reason: "certification_expired",
      certification_expiry_date: data[0].certification_expiry_date,
      job_run_id: run,
      changed_at: data[0].changed_at,
    });
  }
}
for (let first = 0; first < audit.length; first += 50) {
  const { error } = await supabase.from("seed_audit").insert(audit.slice(first, first + 50));
  if (error) throw new Error(JSON.stringify(error));
}
console.log(JSON.stringify({ seconds: (performance.now() - began) / 1000, paused: audit.length }));
