"""Work of any kind on workers: payloads go in, and what a function makes of them comes out.

Read `tasks` first (the protocol, and this process). `place` joins or starts Ray. `dispatch` gives payloads to the
actors of a pool and tells how each ended: `ray_tasks` and the search's `ray_evaluator` judge that in their own ways.
`desks` lets several of these use the same actors at the same time.
"""
