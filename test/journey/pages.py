"""
A Django application that counts visits: get_or_create(), then save(). All visitors of a page come at once, so all but one
of them meet the unique violation that get_or_create() handles, and read the row without a lock.

    pages.py ENGINE HOST PORT USER PASSWORD DATABASE ROUNDS SITE [create]

Prints {"visits", "counted", "failures"}: how many there were, and how many the rows know of. SITE is part of every path: rows
that were deleted a moment ago make InnoDB's INSERTs deadlock with each other.
"""
import json
import sys
import threading
import time

import django
from django.conf import settings

engine, host, port, user, password, database, rounds, site = sys.argv[1:9]
VISITORS = 4

settings.configure(
    INSTALLED_APPS=[],
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    DATABASES={
        "default": {
            "ENGINE": f"django.db.backends.{engine}",
            "HOST": host,
            "PORT": port,
            "USER": user,
            "PASSWORD": password,
            "NAME": database,
        }
    },
)
django.setup()

from django.db import connection, models, transaction  # noqa: E402
from django.db.models.signals import pre_save  # noqa: E402


class Page(models.Model):
    path = models.CharField(max_length=50, unique=True)
    hits = models.IntegerField()

    class Meta:
        app_label = "pages"
        db_table = "pages_page"


def together(barrier):
    """Nobody has found the page: only then is it inserted."""

    def wait(sender, instance, **kwargs):
        if instance._state.adding:
            barrier.wait(20)

    return wait


def visit(path, seconds, failures):
    try:
        with transaction.atomic():
            page, created = Page.objects.get_or_create(path=path, defaults={"hits": 1})
            if not created:
                page.hits += 1
                time.sleep(seconds)  # what it does with the page
                page.save()
    except Exception as error:  # told to who started this program
        failures.append(repr(error))
    finally:
        connection.close()


def main():
    if sys.argv[9:] == ["create"]:
        with connection.schema_editor() as editor:
            editor.create_model(Page)
    failures = []
    for number in range(int(rounds)):
        hook = together(threading.Barrier(VISITORS))
        pre_save.connect(hook, sender=Page)
        visitors = [
            threading.Thread(target=visit, args=(f"/{site}/{number}", 0.01 * visitor, failures))
            for visitor in range(VISITORS)
        ]
        for one in visitors:
            one.start()
        for one in visitors:
            one.join()
        pre_save.disconnect(hook, sender=Page)
    counted = sum(Page.objects.filter(path__startswith=f"/{site}/").values_list("hits", flat=True))
    print(json.dumps({"visits": int(rounds) * VISITORS, "counted": counted, "failures": failures}))


main()
