"""Requeues all dead letters of a file, and says what became of each."""

import asyncio
import sys

from ziggy_async.dead_letters import DeadLetters
from ziggy_async.runtime.cross_loop import outcome_of


async def main(path, trusts):
    async def requeue(work, letter_id):
        return work.function(*work.args, **work.kwargs)

    letters = DeadLetters(requeue, path, trust_pickles=trusts == "trusts")
    await letters.refresh()
    for letter in letters.list():
        try:
            print(letter.task_id, letter.can_requeue, await letters.requeue(letter.id))
        except ValueError as error:
            print(letter.task_id, letter.can_requeue, str(error).partition(": ")[2], "|", letter.why_not)
    await outcome_of(letters.close())


asyncio.run(main(*sys.argv[1:]))
