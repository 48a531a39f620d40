# LATERD_CFLAGS_IF(VARIABLE, FLAGS): append to VARIABLE each of FLAGS that the compiler takes.
AC_DEFUN([LATERD_CFLAGS_IF], [
for flag in $2; do
	saved=$CFLAGS
	CFLAGS="$CFLAGS -Werror $flag"
	AC_MSG_CHECKING([whether $CC takes $flag])
	AC_COMPILE_IFELSE([AC_LANG_PROGRAM()], [AC_MSG_RESULT([yes]); $1="$$1 $flag"], [AC_MSG_RESULT([no])])
	CFLAGS=$saved
done
])

# LATERD_LDFLAGS_IF(VARIABLE, FLAGS): the same for the linker.
AC_DEFUN([LATERD_LDFLAGS_IF], [
for flag in $2; do
	saved=$LDFLAGS
	LDFLAGS="$LDFLAGS $flag"
	AC_MSG_CHECKING([whether the linker takes $flag])
	AC_LINK_IFELSE([AC_LANG_PROGRAM()], [AC_MSG_RESULT([yes]); $1="$$1 $flag"], [AC_MSG_RESULT([no])])
	LDFLAGS=$saved
done
])
