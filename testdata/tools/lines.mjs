// A program of the tests: each line of JSON on its input names something to do, and gets one line of JSON as the answer.
import { createInterface } from 'node:readline'

console.log = () => {} // the output is for answers; AppAuth logs there

export async function serve(verbs, errorCode) {
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line)
    let answer
    try {
      answer = { result: (await verbs[request.do](request)) ?? {} }
    } catch (e) {
      answer = { error: errorCode(e) }
    }
    process.stdout.write(JSON.stringify(answer) + '\n')
  }
}
