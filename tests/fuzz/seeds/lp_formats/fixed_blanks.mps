NAME          BLANKS
ROWS
 N  THE COST
 L  A ROW
 E  B ROW
COLUMNS
    MARKER                 'MARKER'                 'INTORG'
    X 1       THE COST           -1.   A ROW               2.
    X 2       THE COST           -1.   B ROW               2.
    MARKER                 'MARKER'                 'INTEND'
RHS
    RHS       A ROW              10.   B ROW               4.
RANGES
    RNG       B ROW             -1.5
BOUNDS
 UP BND       X 1                 3.
 MI BND       X 2
ENDATA
