"""Sessions, and the actors that they identify."""

from datetime import datetime
from uuid import UUID, uuid4

from msgspec.structs import astuple

from clearline.accounts.company_store import CHILDREN, children_of
from clearline.accounts.user_store import USER, USER_WIDTH, user_of
from clearline.identity import ROLE_SCOPES, Actor, Company
from clearline.platform.database.transactions import Tx
from clearline.sign_in.domain import Challenge, Session, SessionActor

_SESSION = (
    "s.company_id, s.id, s.user_id, s.created_at, s.last_used_at, s.expires_at, s.authenticated_at, s.second_factor, "
    "s.device, s.address"
)
_WIDTH = 10
_IN_FORCE = "s.expires_at > {now} and s.last_used_at > {idle_since}"


async def insert(tx: Tx, session: Session, token_hash: bytes, epoch: int) -> None:
    """Store a new session, the SHA-256 of its token, and the session epoch of its user."""
    await tx.write(
        """insert into sign_in_session (company_id, id, user_id, created_at, last_used_at, expires_at,
                                        authenticated_at, second_factor, device, address, token_hash, session_epoch)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)""",
        *astuple(session),
        token_hash,
        epoch,
    )


async def actor_of(tx: Tx, token_hash: bytes, *, idle_since: datetime, now: datetime) -> SessionActor | None:
    """Return the session of a token with its actor; None when it has ended or its user or company is not active.

    While its role needs a second factor that it was begun without, the actor has no scope.
    A session that was not used after ``idle_since`` has ended. Served by ``sign_in_session_by_token``.
    """
    row = await tx.fetchrow(
        f"""
        select {USER}, c.id, c.name, c.code, {CHILDREN}, {_SESSION},
               not s.second_factor and exists (select from second_factor_role f where f.role = u.role),
               coalesce(u.language, c.language),
               coalesce((select n.time_zone from notification_settings n
                          where n.company_id = u.company_id and n.user_id = u.id), c.time_zone)
          from sign_in_session s
          join app_user u on u.company_id = s.company_id and u.id = s.user_id
          join company c on c.id = s.company_id
         where s.token_hash = $1 and {_IN_FORCE.format(now="$2", idle_since="$3")}
           and u.is_active and u.session_epoch = s.session_epoch and c.deactivated_at is null
        """,
        token_hash,
        now,
        idle_since,
    )
    if row is None:
        return None
    user, company = user_of(row), Company(*row[USER_WIDTH : USER_WIDTH + 3])
    children, at = children_of(row[USER_WIDTH + 3]), USER_WIDTH + 4
    session, (lacks_second_factor, language, time_zone) = Session(*row[at : at + _WIDTH]), row[at + _WIDTH :]
    scopes = frozenset[str]() if lacks_second_factor else ROLE_SCOPES[user.role]
    actor = Actor(user.role, user.name, company, user, scopes=scopes, children=children)
    return SessionActor(session, actor, lacks_second_factor, language, time_zone)


async def save_last_use(tx: Tx, session: Session, *, before: datetime, address: str, now: datetime) -> None:
    """Store that a session was used now, unless another request stored a use after ``before``."""
    await tx.write(
        """update sign_in_session set last_used_at = $3, address = $4
            where company_id = $1 and id = $2 and last_used_at <= $5""",
        session.company_id,
        session.id,
        now,
        address,
        before,
    )


async def save_rotated(tx: Tx, session: Session, token_hash: bytes) -> bool:
    """Store another token of a session, and when its person was authenticated; False when it was deleted."""
    row = await tx.write(
        """update sign_in_session set token_hash = $3, authenticated_at = $4, second_factor = $5
            where company_id = $1 and id = $2 returning id""",
        session.company_id,
        session.id,
        token_hash,
        session.authenticated_at,
        session.second_factor,
    )
    return row is not None


async def of_user(tx: Tx, company_id: UUID, user_id: UUID, *, idle_since: datetime, now: datetime) -> list[Session]:
    """Return the sessions in force of a user, newest first. Served by ``sign_in_session_of_user``."""
    rows = await tx.fetch(
        f"""select {_SESSION} from sign_in_session s join app_user u on u.company_id = $1 and u.id = s.user_id
             where s.company_id = $1 and s.user_id = $2 and {_IN_FORCE.format(now="$3", idle_since="$4")}
               and u.session_epoch = s.session_epoch
             order by s.created_at desc, s.id""",
        company_id,
        user_id,
        now,
        idle_since,
    )
    return [Session(*row) for row in rows]


async def delete(tx: Tx, company_id: UUID, user_id: UUID, session_id: UUID) -> bool:
    """Delete a session of a user; return whether there was one."""
    row = await tx.write(
        "delete from sign_in_session where company_id = $1 and user_id = $2 and id = $3 returning id",
        company_id,
        user_id,
        session_id,
    )
    return row is not None


async def delete_others(tx: Tx, company_id: UUID, user_id: UUID, *, but: UUID | None) -> list[UUID]:
    """Delete the sessions of a user but one, or all; return their ids. Served by ``sign_in_session_of_user``."""
    row = await tx.write(
        """with deleted as (delete from sign_in_session
                             where company_id = $1 and user_id = $2 and id is distinct from $3 returning id)
           select coalesce(array_agg(id), '{}') from deleted""",
        company_id,
        user_id,
        but,
    )
    return [] if row is None else list(row[0])


async def purge(tx: Tx, *, before: datetime, limit: int) -> int:
    """Delete at most ``limit`` sessions that expired before a time; return how many.

    Served by ``sign_in_session_expired``.
    """
    row = await tx.write(
        """with deleted as (delete from sign_in_session where (company_id, id) in (
                     select company_id, id from sign_in_session where expires_at < $1 order by expires_at limit $2
                        for update skip locked) returning id)
           select count(*) from deleted""",
        before,
        limit,
    )
    return 0 if row is None else int(row[0])


async def add_challenge(tx: Tx, challenge: Challenge, token_hash: bytes, *, expires_at: datetime) -> None:
    """Store a sign-in that waits for its code, in the place of an earlier one of the user."""
    await tx.write(
        """with replaced as (delete from sign_in_challenge where company_id = $1 and user_id = $3)
           insert into sign_in_challenge (company_id, id, user_id, session_epoch, token_hash, expires_at)
           values ($1, $2, $3, $4, $5, $6)""",
        challenge.company_id,
        uuid4(),
        challenge.user_id,
        challenge.epoch,
        token_hash,
        expires_at,
    )


async def challenge_of(tx: Tx, token_hash: bytes, *, now: datetime) -> Challenge | None:
    """Return the sign-in of a token that waits for its code, or None. Served by ``sign_in_challenge_by_token``."""
    row = await tx.fetchrow(
        """select company_id, user_id, session_epoch from sign_in_challenge
            where token_hash = $1 and expires_at > $2""",
        token_hash,
        now,
    )
    return None if row is None else Challenge(*row)


async def delete_challenges(tx: Tx, company_id: UUID, user_id: UUID) -> bool:
    """Delete the sign-ins of a user that wait for a code; return whether there was one."""
    row = await tx.write(
        "delete from sign_in_challenge where company_id = $1 and user_id = $2 returning user_id", company_id, user_id
    )
    return row is not None


async def purge_challenges(tx: Tx, *, before: datetime, limit: int) -> int:
    """Delete at most ``limit`` sign-ins that waited for a code until a time; return how many.

    Served by ``sign_in_challenge_expired``.
    """
    row = await tx.write(
        """with deleted as (delete from sign_in_challenge where (company_id, id) in (
                     select company_id, id from sign_in_challenge where expires_at < $1 order by expires_at limit $2
                        for update skip locked) returning id)
           select count(*) from deleted""",
        before,
        limit,
    )
    return 0 if row is None else int(row[0])
