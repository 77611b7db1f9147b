-- Why:   the open tickets of a queue or an assignee are listed in the order of an own field.
-- Order: before the first start of the code.
-- Locks: ACCESS EXCLUSIVE on ticket_field while its rows are written anew and the indexes built; it has a row for each
--        value of an own field. On ticket for the moment of CREATE TRIGGER.

alter table ticket_field add column queue_id uuid, add column assignee_id uuid;
update ticket_field f set queue_id = t.queue_id, assignee_id = t.assignee_id
  from ticket t
 where t.company_id = f.company_id and t.number = f.ticket_number and coalesce(t.queue_id, t.assignee_id) is not null;

-- A value is in those of numbers or in those of texts.
create index ticket_field_queue_number on ticket_field (queue_id, field_id, number, ticket_number)
    where is_open and queue_id is not null and number is not null;
create index ticket_field_queue_open on ticket_field (queue_id, field_id, value, ticket_number)
    where is_open and queue_id is not null and number is null;
create index ticket_field_assignee_number on ticket_field (assignee_id, field_id, number, ticket_number)
    where is_open and assignee_id is not null and number is not null;
create index ticket_field_assignee_open on ticket_field (assignee_id, field_id, value, ticket_number)
    where is_open and assignee_id is not null and number is null;

create or replace function derive_ticket_fields() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and old.fields is not null then
        if old.fields is not distinct from new.fields then
            update ticket_field set is_open = new.is_open, queue_id = new.queue_id, assignee_id = new.assignee_id
             where company_id = new.company_id and ticket_number = new.number;
            return null;
        end if;
        delete from ticket_field where company_id = old.company_id and ticket_number = old.number;
    end if;
    insert into ticket_field (company_id, ticket_number, field_id, value, number, is_open, queue_id, assignee_id)
    select new.company_id, new.number, field.id, field_text(part.value), field_number(part.value, field.type),
           new.is_open, new.queue_id, new.assignee_id
      from jsonb_each(new.fields) given
      join field on field.record = 'ticket' and field.key = given.key
     cross join lateral jsonb_array_elements(
               case jsonb_typeof(given.value) when 'array' then given.value else jsonb_build_array(given.value) end) part
        on conflict do nothing;
    return null;
end $$;

-- A ticket without own fields that is moved pays for the condition alone.
drop trigger ticket_fields_changed on ticket;
create trigger ticket_fields_changed after update of fields, status, queue_id, assignee_id on ticket
    for each row when (old.fields is distinct from new.fields
                       or (new.fields is not null
                           and (old.is_open is distinct from new.is_open or old.queue_id is distinct from new.queue_id
                                or old.assignee_id is distinct from new.assignee_id)))
    execute function derive_ticket_fields();
