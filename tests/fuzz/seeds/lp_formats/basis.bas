NAME
 XU x l
 XL y g
 UL x
 LL y
ENDATA
