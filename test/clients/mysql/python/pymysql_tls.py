"""One log-in with PyMySQL: URL, with TLS or without. Prints who it is, or the error."""
import sys
from urllib.parse import urlparse

import pymysql

url = urlparse(sys.argv[1])
options = {"ssl": {"check_hostname": False, "verify_mode": "none"}} if sys.argv[2] == "tls" else {"ssl_disabled": True}
try:
    connection = pymysql.connect(
        host=url.hostname, port=url.port, user=url.username, password=url.password, **options
    )
    cursor = connection.cursor()
    cursor.execute("SELECT CURRENT_USER()")
    print(cursor.fetchone()[0])
except Exception as error:
    print(type(error).__name__, error)
