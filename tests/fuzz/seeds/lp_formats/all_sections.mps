NAME T
OBJSENSE
 MAX
ROWS
 N cost
 L l
 G g
 E e
COLUMNS
 x cost 1 l 1
 x g 1 e 1
 M 'MARKER' 'INTORG'
 y cost 2 l 1
 M 'MARKER' 'INTEND'
RHS
 R l 10 g 1
 R cost 3
RANGES
 R l 4 e -2
BOUNDS
 UP B x -4
 FR B y
 BV B y
ENDATA
NAME
 XU x l
 XL y g
* farkas -1.5 l
* ray 1e-3 y
ENDATA
