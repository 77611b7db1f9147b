-- Why:   what concerns all deliveries of a subscription is done in batches: giving up, resuming, deleting.
-- Order: before the first start of the code. A process of the older code sends nothing that is being given up,
--        unless its subscription is activated meanwhile.
-- Compatible: yes
-- Locks: subscription against writes, for a moment.

-- What is being done with all deliveries that a subscription had when it began, up to the number through. after: the
-- number of the last one that was looked at. done, total: how many were looked at, and how many there are.
create table delivery_action (
    company_id      uuid not null,
    subscription_id uuid not null,
    action          text not null check (action in ('give_up', 'resume', 'delete')),
    after           bigint not null default 0,
    through         bigint not null,
    done            bigint not null default 0,
    total           bigint,
    started_at      timestamptz not null,
    primary key (company_id, subscription_id),
    foreign key (company_id, subscription_id) references subscription (company_id, id) on delete cascade
);
