'use strict';
// Runs named scenarios one after the other: `ok NAME`, `FAILED NAME why` or `skipped NAME why`, and an exit code.

const assert = require('node:assert/strict');

const LIMIT_MS = 30_000;

// Whether the policy in force masks: then `people.card` and what looks like an address come back hidden.
const MASKED = process.env.CLIENTS_MASKED === '1';

const line = (error) => {
  const frame = (error.stack || '').split('\n').find((text) => /run_\w+\.cjs:\d+/.test(text)) || '';
  const at = (frame.match(/run_\w+\.cjs:(\d+)/) || [])[1];
  const text = String(error.message).split('\n').filter((part) => part.trim()).join(' | ');
  return `${error.name} ${error.code || ''} ${text}${at ? ` (line ${at})` : ''}`;
};

module.exports = {
  MASKED,
  CARD: MASKED ? '*'.repeat(12) + '1111' : '4111111111111111',
  EMAIL: MASKED ? '[redacted]' : 'ada@example.com',
  same: assert.deepEqual,

  // The SQLSTATE that an action ends with; undefined when it succeeds.
  async stateOf(action) {
    try {
      await action();
    } catch (error) {
      if (/^[0-9A-Z]{5}$/.test(error.code || '')) return error.code;
      throw error;
    }
    return undefined;
  },

  // Runs the scenarios, and says of those in `without` why the client cannot do them.
  async run(scenarios, without) {
    const only = process.argv.slice(2);
    let failed = false;
    for (const [name, scenario] of Object.entries(scenarios)) {
      if (only.length && !only.includes(name)) continue;
      let timer;
      const limit = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error('took too long')), LIMIT_MS);
      });
      try {
        await Promise.race([scenario(), limit]);
        console.log(`ok ${name}`);
      } catch (error) {
        failed = true;
        console.log(`FAILED ${name} ${line(error)}`);
      } finally {
        clearTimeout(timer);
      }
    }
    for (const [name, why] of Object.entries(without)) {
      if (!only.length || only.includes(name)) console.log(`skipped ${name} ${why}`);
    }
    process.exit(failed ? 1 : 0);
  },
};
