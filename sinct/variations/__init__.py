"""Several short trainings on one painting to choose from, of which the chosen one goes on.

`vary` trains the candidates within one budget and shows them on a sheet, `continue_variation` goes on with one of them.
`plan` says what candidates there are and how the budget is divided, `folder` keeps everything on the disk.
"""
