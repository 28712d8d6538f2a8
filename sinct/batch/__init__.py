"""Many pairs at once: a collection of paintings, each toward its photo, on one machine or a cluster.

Nothing is done twice, and nothing that goes wrong with one picture stops the others: what is done, by whom, with which
result or reason stands in a ledger (`sinct.batch.ledger`), and each job has a process of its own.
"""
