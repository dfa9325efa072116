"""Forks while another thread writes a letter; the child's file outlives the parent's, and its letters a `kill -9`."""

import os
import signal
import sqlite3
import sys
import threading
import time

from letters import work

from ziggy_async.dead_letters import DeadLetters, Reason, sqlite

path = sys.argv[1]
(child_waits, parent_wakes), (parent_waits, child_wakes) = os.pipe(), os.pipe()
insert, inserted = sqlite._insert, threading.Event()


def insert_slowly(*args):
    """SQLite's locks are held meanwhile."""
    deleted = insert(*args)
    inserted.set()
    time.sleep(0.3)
    return deleted


def put(letters, task_id):
    return letters.put(work(task_id), Reason.EXHAUSTED, [])


def opened():
    return DeadLetters(lambda work, letter: None, path)


def in_child():
    letters = opened()
    put(letters, "child").result()
    os.write(child_wakes, b"x")
    os.read(child_waits, 1)
    put(letters, "child, later").result()
    print(letters.stats()["unsaved"], flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


sqlite._insert = insert_slowly
letters = opened()
written = put(letters, "parent")
inserted.wait()
child = os.fork()
if child == 0:
    in_child()
written.result()
os.read(parent_waits, 1)
letters.close().result()
os.write(parent_wakes, b"x")
os.waitpid(child, 0)
database = sqlite3.connect(path)
for (task_id,) in database.execute("SELECT letter ->> 'task_id' FROM letters ORDER BY id"):
    print(task_id)
