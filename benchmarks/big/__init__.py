"""Large networks beside what others published: built, and their layers simulated one by one."""
