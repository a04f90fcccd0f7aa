"""The page of a load test, or of a history that was judged: verdict, clash, slots, waits, schedule.

    axis        from nanoseconds to the time that pictures show, and to bins of it
    slots       what was certainly and what was possibly taken under each cap
    predicted   what the simulation would have had taken by then
    pace        what was due, sent and answered in each bin; how late sends left; what was answered
    waits       how long answers took: by percentile, and bin by bin

These are figures, worked out with NumPy from the columns of the history and thinned to what a picture can
show: a page of a million operations has a few thousand points. What is shown is what was: a thinned course
keeps the extremes of every bin at the moments at which they were. The rest makes pictures, tables and the
page of them (sim/reporting).
"""
