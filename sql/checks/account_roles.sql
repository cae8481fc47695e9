-- Accounts without a role, or viewers without an owner.
select name, role from account where removed_at is null and role is distinct from 'owner' and role is distinct from 'viewer'
union all
select min(name), 'no owner' from account where removed_at is null having count(*) > 0 and count(*) filter (role = 'owner') = 0;
