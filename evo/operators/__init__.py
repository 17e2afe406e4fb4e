"""DEAP's part of a search: individuals, the toolbox, selection and variation, and the breeder that calls them.

Read `toolbox` and `individual` first. Then read `selection` (parents and survivors), `variation` (children), `breeding`
(new candidates) and `confined` (where DEAP draws random numbers). `haemsa.evo` exports `toolbox` and `repaired`.
"""
