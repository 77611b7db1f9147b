-- Why:   admins change the texts of mail, by kind and language.
-- Order: before the first start of the code.
-- Locks: none on existing tables.

-- The texts that replace the shipped ones. shipped_digest is of the shipped text that was replaced.
create table mail_template (
    kind           text not null check (length(kind) between 1 and 40),
    language       text not null check (length(language) between 2 and 10),
    subject        text not null check (length(subject) between 1 and 200),
    body           text not null check (length(body) between 1 and 10000),
    shipped_digest text not null check (length(shipped_digest) = 32),
    changed_at     timestamptz not null,
    primary key (kind, language)
);
