-- What an install of version 4 may hold beside the rows of version 3.
UPDATE agents SET fallbacks = '[{"provider":"codex","model":"small"},{"provider":"echo"}]', after_side_effects = 'fail' WHERE name = 'andy';
