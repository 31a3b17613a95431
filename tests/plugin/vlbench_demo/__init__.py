"""A plug-in of vlbench that scores coloured squares by their mean colour."""
