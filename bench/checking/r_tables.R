# Writes the tables of R's recommended packages as CSV files: numbers and factors, at most 20000 rows.
#
#     Rscript bench/checking/r_tables.R DIR
#
# Needs R with its recommended packages (Debian: r-base-core r-recommended). Nothing of it is kept in this repository: the tables
# are under the licences of their packages.
folder <- commandArgs(TRUE)[1]
dir.create(folder, showWarnings = FALSE, recursive = TRUE)
packages <- c("datasets", "boot", "cluster", "lattice", "MASS", "mgcv", "nlme", "rpart", "survival")
for (package in packages) {
  names <- suppressWarnings(data(package = package))$results[, "Item"]
  for (name in names) {
    object <- sub(" .*", "", name)
    from <- sub(".*\\((.*)\\)", "\\1", name)
    place <- new.env()
    suppressWarnings(try(data(list = from, package = package, envir = place), silent = TRUE))
    if (!exists(object, envir = place, inherits = FALSE)) next
    table <- get(object, envir = place)
    if (!is.data.frame(table)) next
    table <- as.data.frame(table)
    plain <- vapply(table, function(v) is.numeric(v) && is.null(dim(v)) || is.factor(v) || is.logical(v) || is.character(v), NA)
    table <- table[, plain, drop = FALSE]
    if (nrow(table) < 40 || ncol(table) < 2) next
    table <- table[seq_len(min(nrow(table), 20000)), , drop = FALSE]
    names(table) <- make.names(names(table), unique = TRUE)
    for (k in seq_along(table)) {
      v <- table[[k]]
      table[[k]] <- if (is.numeric(v)) format(as.double(v), digits = 15, trim = TRUE) else as.character(v)
      table[[k]][is.na(v)] <- NA
    }
    write.csv(table, file.path(folder, paste0(package, ".", object, ".csv")), row.names = FALSE, na = "")
  }
}
