"""Keeps letters of a function of this program in a file ("bury"), or requeues what is there ("requeue")."""

import asyncio
import sys
from functools import partial

from ziggy_async.dead_letters import DeadLetters, Reason
from ziggy_async.queueing.options import Options, Work
from ziggy_async.runtime.cross_loop import outcome_of


def here(number):
    return number


async def bury(path):
    letters = DeadLetters(asyncio.sleep, path)
    for function, args in ((here, (1,)), (partial(here, 2), ())):
        await outcome_of(letters.put(Work("t", "job", function, args, {}, Options()), Reason.SHUTDOWN, []))
    await outcome_of(letters.close())


async def requeue(path):
    taken = []

    async def take(work, letter_id):
        taken.append(work.function(*work.args))

    letters = DeadLetters(take, path, trust_pickles=True)
    await letters.refresh()
    for letter in letters.list():
        try:
            await letters.requeue(letter.id)
        except ValueError as error:
            print(error)
    print(taken)
    await outcome_of(letters.close())


asyncio.run({"bury": bury, "requeue": requeue}[sys.argv[1]](sys.argv[2]))
