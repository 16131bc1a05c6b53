/**
 * Passages and questions about them: for each question, one passage answers it, and others share its words. A third of
 * the questions use the words of the passage, a third other forms of them or misspell them, a third other words.
 */

/** A question, and the passage that answers it. */
export interface Question {
  text: string;
  kind: 'same words' | 'other forms' | 'other words';
  /** Index of the passage. */
  answer: number;
}

const SUBJECTS = [
  ['workflow', 'process', 'The workflow engine'],
  ['worker', 'executor', 'A worker of the cluster'],
  ['schedule', 'timetable', 'The nightly schedule'],
  ['container', 'pod', 'Each container'],
  ['database', 'datastore', 'The primary database'],
  ['gateway', 'proxy', 'The edge gateway'],
  ['backup', 'snapshot', 'The weekly backup'],
  ['certificate', 'credential', 'A client certificate'],
  ['queue', 'buffer', 'The ingest queue'],
  ['dashboard', 'console', 'The status dashboard'],
] as const;

const ACTIONS = [
  ['resumes', 'continue', 'resumes automatically after a crash'],
  ['migrates', 'move', 'migrates its records without downtime'],
  ['compresses', 'shrink', 'compresses large attachments before storing them'],
  ['encrypts', 'protect', 'encrypts every message with a rotating key'],
  ['throttles', 'slow down', 'throttles clients that exceed their quota'],
  ['replicates', 'copy', 'replicates changes to three regions'],
  ['validates', 'check', 'validates each payload against its schema'],
  ['archives', 'retire', 'archives finished entries after ninety days'],
  ['notifies', 'alert', 'notifies the on-call engineer by pager'],
  ['deduplicates', 'merge', 'deduplicates identical uploads by checksum'],
] as const;

const PLACES = [
  ['Helsinki', 'in the Helsinki office'],
  ['Nairobi', 'in the Nairobi office'],
  ['Toronto', 'in the Toronto office'],
  ['Lisbon', 'in the Lisbon office'],
  ['Kyoto', 'in the Kyoto office'],
  ['Quito', 'in the Quito office'],
  ['Tallinn', 'in the Tallinn office'],
  ['Mumbai', 'in the Mumbai office'],
  ['Denver', 'in the Denver office'],
  ['Oslo', 'in the Oslo office'],
] as const;

const FILLERS = [
  'Operators rarely need to look at it.',
  'Its settings are kept in the shared repository.',
  'A restart takes about a minute.',
  'The team reviews these rules each quarter.',
  'Nothing else has to be configured for that.',
];

/** 1,000 passages: each subject does each thing in each place. */
export const PASSAGES: readonly string[] = SUBJECTS.flatMap(([, , subject], s) =>
  ACTIONS.flatMap(([, , action], a) =>
    PLACES.map(
      ([, place], p) =>
        `${subject} ${place} ${action}. ${FILLERS[(s + a + p) % FILLERS.length]} ${FILLERS[(s + 2 * a + 3 * p) % FILLERS.length]}`,
    ),
  ),
);

/** 200 questions. */
export const QUESTIONS: readonly Question[] = Array.from({ length: 200 }, (_, n): Question => {
  const [s, a, p] = [(7 * n) % 10, (3 * n + Math.floor(n / 10)) % 10, (n + Math.floor(n / 20)) % 10];
  const answer = 100 * s + 10 * a + p;
  const [[subject, otherSubject], [action, otherAction, ,], [place]] = [
    SUBJECTS[s] as (typeof SUBJECTS)[number],
    ACTIONS[a] as (typeof ACTIONS)[number],
    PLACES[p] as (typeof PLACES)[number],
  ];
  const words = (ACTIONS[a] as (typeof ACTIONS)[number])[2].split(' ');
  switch (n % 3) {
    case 0:
      return {
        kind: 'same words',
        answer,
        text: `Which ${subject} ${action} ${words.slice(1, 4).join(' ')} in ${place}?`,
      };
    case 1:
      return {
        kind: 'other forms',
        answer,
        text: `${misspelled(subject)} ${stem(action)}ing ${misspelled(words.at(-1) as string)} ${misspelled(place)}`,
      };
    default:
      return {
        kind: 'other words',
        answer,
        text: `Does the ${otherSubject} at ${place} ${otherAction} ${words.slice(-2).join(' ')}?`,
      };
  }
});

/** A word with two letters swapped. */
function misspelled(word: string): string {
  const at = Math.floor(word.length / 2);
  return word.slice(0, at - 1) + word.charAt(at) + word.charAt(at - 1) + word.slice(at + 1);
}

function stem(verb: string): string {
  return verb.replace(/ies$/, 'y').replace(/e?s$/, '');
}
