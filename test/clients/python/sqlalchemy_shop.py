"""SQLAlchemy as applications use it: ids, then a DELETE of them; begin_nested(), IntegrityError, select, change; the unit of work."""
import json
import sys

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, __version__, create_engine, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, declarative_base

Base = declarative_base()


class Author(Base):
    __tablename__ = "author"
    id = Column(Integer, primary_key=True)
    name = Column(String(40))


class Book(Base):
    __tablename__ = "book"
    id = Column(BigInteger, primary_key=True)
    author_id = Column(ForeignKey("author.id"))
    title = Column(String(80))


class Setting(Base):
    __tablename__ = "setting"
    id = Column(Integer, primary_key=True)
    name = Column(String(40))
    value = Column(Integer)


engine = create_engine(sys.argv[1], isolation_level="READ COMMITTED")
result = {"version": __version__}
with Session(engine) as session:
    ids = session.scalars(select(Book.id).join(Author).where(Author.name == "author 2")).all()
    rows = session.execute(
        delete(Book).where(Book.id.in_(ids)), execution_options={"synchronize_session": False}
    )
    result["deleted"] = rows.rowcount
    session.commit()
with Session(engine) as session:
    try:
        with session.begin_nested():
            session.add(Setting(name="setting 1", value=7))
    except IntegrityError as error:
        result["violated"] = type(error.orig).__name__
    setting = session.scalars(select(Setting).where(Setting.name == "setting 1")).one()
    setting.value += 5
    session.commit()
    result["value"] = setting.value
with Session(engine) as session:
    books = session.scalars(select(Book).join(Author).where(Author.name == "author 3")).all()
    for book in books:
        session.delete(book)
    session.commit()
    result["removed"] = len(books)
print(json.dumps(result))
