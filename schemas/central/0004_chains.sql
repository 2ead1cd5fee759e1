-- Version 4 of the central database: who answers when the first provider cannot.

-- As JSON: a list of {provider, model?}; NULL is nobody.
ALTER TABLE agents ADD COLUMN fallbacks TEXT;

-- What becomes of a turn whose provider failed after tools had acted.
ALTER TABLE agents ADD COLUMN after_side_effects TEXT NOT NULL DEFAULT 'handoff'
  CHECK (after_side_effects IN ('handoff', 'fail'));
