-- Why:   a provider's own fields of tickets, services and companies.
-- Order: before the first start of the code.
-- Locks: ACCESS EXCLUSIVE on ticket, service and company for the moments of ADD COLUMN, CREATE TRIGGER.

create table field (
    id         uuid primary key,
    record     text not null check (record in ('ticket', 'service', 'company')),
    key        text not null check (key ~ '^[a-z][a-z0-9_]{0,39}$'),
    label      text not null check (length(label) between 1 and 80),
    label_de   text not null default '' check (length(label_de) <= 80),
    help       text not null default '' check (length(help) <= 500),
    help_de    text not null default '' check (length(help_de) <= 500),
    type       text not null check (type in (
                   'text', 'long_text', 'integer', 'decimal', 'boolean', 'date', 'datetime', 'choice', 'choices', 'url',
                   'email', 'ip', 'phone', 'reference')),
    refers_to  text check (refers_to in ('service', 'company', 'user')),
    required   text not null check (required in ('never', 'to_raise', 'to_resolve')),
    visible_to text not null check (visible_to in ('staff', 'customer')),
    edited_by  text not null check (edited_by in ('staff', 'customer')),
    initial    jsonb,
    minimum    jsonb,
    maximum    jsonb,
    pattern    text check (length(pattern) between 1 and 200),
    options    jsonb not null default '[]',
    place      integer not null,
    is_active  boolean not null,
    created_at timestamptz not null,
    deleted_at timestamptz,
    unique (record, key),
    check ((type = 'reference') = (refers_to is not null)),
    check (visible_to = 'customer' or edited_by = 'staff')
);

create trigger field_changed after insert or update or delete on field
    for each statement execute function tell_catalogue_changed();

alter table ticket add column fields jsonb check (jsonb_typeof(fields) = 'object' and fields <> '{}');
alter table service add column fields jsonb check (jsonb_typeof(fields) = 'object' and fields <> '{}');
alter table company add column fields jsonb check (jsonb_typeof(fields) = 'object' and fields <> '{}');

-- Derived from ticket.fields: a row for each value, and for each of several. Lists filter and sort by it.
create table ticket_field (
    company_id    uuid not null,
    ticket_number bigint not null,
    field_id      uuid not null references field on delete cascade,
    value         text collate "C" not null,
    number        double precision,
    is_open       boolean not null,
    primary key (company_id, ticket_number, field_id, value)
);
create index ticket_field_open on ticket_field (field_id, value, ticket_number) where is_open;
create index ticket_field_value on ticket_field (field_id, value, ticket_number);
create index ticket_field_company on ticket_field (company_id, field_id, value, ticket_number);
create index ticket_field_number on ticket_field (field_id, number, ticket_number) where number is not null and is_open;

-- What a list compares: text in lower case, cut; the number of a number, a date or a moment.
create function field_text(value jsonb) returns text immutable language sql as
    $$ select left(lower(value #>> '{}'), 200) $$;
create function field_number(value jsonb, type text) returns double precision stable language sql as $$
    select case when type in ('integer', 'decimal') then (value #>> '{}')::double precision
                when type in ('date', 'datetime') then extract(epoch from (value #>> '{}')::timestamptz) end $$;

create function derive_ticket_fields() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and old.fields is not null then
        if old.fields is not distinct from new.fields then
            update ticket_field set is_open = new.is_open
             where company_id = new.company_id and ticket_number = new.number;
            return null;
        end if;
        delete from ticket_field where company_id = old.company_id and ticket_number = old.number;
    end if;
    insert into ticket_field (company_id, ticket_number, field_id, value, number, is_open)
    select new.company_id, new.number, field.id, field_text(part.value), field_number(part.value, field.type),
           new.is_open
      from jsonb_each(new.fields) given
      join field on field.record = 'ticket' and field.key = given.key
     cross join lateral jsonb_array_elements(
               case jsonb_typeof(given.value) when 'array' then given.value else jsonb_build_array(given.value) end) part
        on conflict do nothing;
    return null;
end $$;
create trigger ticket_with_fields after insert on ticket
    for each row when (new.fields is not null) execute function derive_ticket_fields();
create trigger ticket_fields_changed after update of fields, status on ticket
    for each row when (old.fields is distinct from new.fields
                       or (new.fields is not null and old.is_open is distinct from new.is_open))
    execute function derive_ticket_fields();
