# Fits public teaching tables by R and writes what the tests of hat values compare with.
#
#     Rscript tools/hat-tables.R > crates/unhat/tests/data/hat_tables.json
#
# Needs R with the packages MASS and rpart (Debian: r-base-core r-cran-mass r-cran-rpart). The fits are iterated until nothing
# changes; `printed` is signif(hatvalues(fit), 3) of a fit
# with the defaults of R.
suppressMessages({ library(MASS); library(rpart) })

tight <- glm.control(epsilon = 1e-15, maxit = 100)

number <- function(v) {
  ifelse(v == round(v) & abs(v) < 1e15, sprintf("%d", as.integer(round(v))), sprintf("%.17g", v))
}
numbers <- function(v) paste0("[", paste(number(unname(v)), collapse = ","), "]")
words <- function(v) paste0("[", paste0("\"", v, "\"", collapse = ","), "]")
# Decimals as they stand in the tables: the shortest text that is the same number.
plain <- function(v) vapply(unname(v), function(x) {
  for (k in 1:17) { text <- sprintf(paste0("%.", k, "g"), x); if (as.numeric(text) == x) return(text) }
  text
}, "")
matrix_of <- function(A) {
  paste0("[", paste(apply(A, 1, function(row) paste0("[", paste(plain(row), collapse = ","), "]")), collapse = ","), "]")
}

first <- TRUE
# One fit: `default` as R fits it, `exact` iterated to the end.
case <- function(name, family, link, default, exact, source, trials = NULL, theta = NULL, responses = FALSE) {
  A <- model.matrix(exact)
  stopifnot(!anyNA(coef(exact)))
  parts <- c(
    sprintf("\"name\":\"%s\"", name),
    sprintf("\"call\":\"%s\"", gsub("\\s+", " ", gsub("\"", "'", paste(deparse(formula(exact)), collapse = " ")))),
    sprintf("\"family\":\"%s\",\"link\":\"%s\"", family, link),
    sprintf("\"source\":\"%s\"", source),
    paste0("\"columns\":", words(colnames(A))),
    paste0("\"coefficients\":", numbers(coef(exact))),
    paste0("\"A\":", matrix_of(A)),
    paste0("\"printed\":", paste0("[", paste(plain(signif(hatvalues(default), 3)), collapse = ","), "]")))
  if (!is.null(trials)) parts <- c(parts, paste0("\"trials\":", numbers(trials)))
  if (!is.null(exact$offset)) parts <- c(parts, paste0("\"offset\":", numbers(exact$offset)))
  if (!is.null(theta)) parts <- c(parts, sprintf("\"theta\":%.17g", theta))
  if (responses) {
    seven <- function(v) paste0("[", paste(plain(signif(v, 7)), collapse = ","), "]")
    parts <- c(parts, paste0("\"responses\":", numbers(exact$y)), paste0("\"cook\":", seven(cooks.distance(exact))),
               paste0("\"deviance\":", seven(residuals(exact, "deviance"))),
               sprintf("\"dffits_rms\":%.7g", sqrt(mean(dffits(exact)^2))))
  }
  cat(if (first) "" else ",\n", "{", paste(parts, collapse = ",\n "), "}", sep = "")
  first <<- FALSE
}
both <- function(name, word, link, formula, family, data, source, ..., start = NULL) {
  environment(formula) <- environment()
  case(name, word, link, glm(formula, family, data, start = start), glm(formula, family, data, start = start, control = tight),
       source, ...)
}

cat("{\"note\":\"", R.version.string, ", MASS ", as.character(packageVersion("MASS")), ", rpart ",
    as.character(packageVersion("rpart")), ": tools/hat-tables.R\",\n\"cases\":[\n", sep = "")

trichopoulos <- "Trichopoulos et al. (1976), British Journal of Obstetrics and Gynaecology 83, 645-650"
both("infert", "binomial", "logit", case ~ age + parity + education + spontaneous + induced, binomial, infert, trichopoulos,
     responses = TRUE)
both("infert cloglog", "binomial", "cloglog", case ~ spontaneous + induced, binomial("cloglog"), infert, trichopoulos)

hosmer <- "Hosmer and Lemeshow (1989), Applied Logistic Regression"
births <- transform(birthwt, race = factor(race, labels = c("white", "black", "other")))
both("birthwt", "binomial", "logit", low ~ age + lwt + race + smoke + ptl + ht + ui + ftv, binomial, births, hosmer,
     responses = TRUE)
both("birthwt log link", "binomial", "log", low ~ age + smoke + ht + ui, binomial("log"), births, hosmer,
     start = c(-1, 0, 0, 0, 0))

smith <- "Smith et al. (1988), Proc. Symp. on Computer Applications in Medical Care, 261-265"
both("Pima", "binomial", "logit", type ~ ., binomial, Pima.tr, smith, responses = TRUE)
chambers <- "Chambers and Hastie (1992), Statistical Models in S"
both("kyphosis", "binomial", "logit", Kyphosis ~ Age + Number + Start, binomial, kyphosis, chambers, responses = TRUE)
henderson <- "Henderson and Velleman (1981), Biometrics 37, 391-411"
both("mtcars am", "binomial", "logit", am ~ hp + wt, binomial, mtcars, henderson, responses = TRUE)
both("mtcars vs", "binomial", "logit", vs ~ wt + disp, binomial, mtcars, henderson)

breslow <- "Breslow and Day (1980), Statistical Methods in Cancer Research 1"
plainly <- transform(esoph, agegp = factor(agegp, ordered = FALSE), alcgp = factor(alcgp, ordered = FALSE),
                     tobgp = factor(tobgp, ordered = FALSE))
cases <- transform(plainly, n = ncases + ncontrols, dose = unclass(alcgp), packs = unclass(tobgp))
both("esoph", "binomial", "logit", cbind(ncases, ncontrols) ~ agegp + dose + packs, binomial, cases, breslow, trials = cases$n)
both("esoph factors", "binomial", "logit", cbind(ncases, ncontrols) ~ agegp + alcgp + tobgp, binomial, cases, breslow,
     trials = cases$n)

budworm <- data.frame(ldose = rep(0:5, 2), sex = rep(0:1, each = 6), dead = c(1, 4, 9, 13, 18, 20, 0, 2, 6, 10, 12, 16))
collett <- "Collett (1991), Modelling Binary Data"
for (link in c("logit", "probit")) {
  both(paste("budworm", link), "binomial", link, cbind(dead, 20 - dead) ~ sex + ldose, binomial(link), budworm, collett,
       trials = rep(20, 12))
}
milicer <- "Milicer and Szczotka (1966), Human Biology 38, 199-203"
for (link in c("logit", "cloglog")) {
  both(paste("menarche", link), "binomial", link, cbind(Menarche, Total - Menarche) ~ Age, binomial(link), menarche, milicer,
       trials = menarche$Total)
}

both("warpbreaks", "poisson", "log", breaks ~ wool + tension, poisson, warpbreaks, "Tippett (1950), Technological Applications of Statistics")
claims <- transform(Insurance, District = factor(District), Group = factor(Group, ordered = FALSE), Age = factor(Age, ordered = FALSE))
both("Insurance", "poisson", "log", Claims ~ District + Group + Age + offset(log(Holders)), poisson, claims,
     "Baxter, Coutts and Ross (1980), Proc. 21st Int. Congress of Actuaries")
damage <- transform(subset(ships, service > 0), year = factor(year), period = factor(period))
both("ships", "poisson", "log", incidents ~ type + year + period + offset(log(service)), poisson, damage,
     "McCullagh and Nelder (1983), Generalized Linear Models")
both("epil", "poisson", "log", y ~ lbase * trt + lage + V4, poisson, epil, "Thall and Vail (1990), Biometrics 46, 657-671")

days <- glm.nb(Days ~ Eth + Sex + Age + Lrn, quine)
quine_family <- negative.binomial(days$theta, "log")
both("quine", "negative-binomial", "log", Days ~ Eth + Sex + Age + Lrn, quine_family, quine,
     "Quine (1975), in Aitkin (1978), J. R. Statist. Soc. A 141, 195-223", theta = days$theta)

clotting <- data.frame(log_u = log(c(5, 10, 15, 20, 30, 40, 60, 80, 100)), lot1 = c(118, 58, 42, 35, 27, 25, 21, 19, 18))
mccullagh <- "McCullagh and Nelder (1989), Generalized Linear Models"
both("clotting", "gamma", "inverse", lot1 ~ log_u, Gamma, clotting, mccullagh)
both("clotting inverse Gaussian", "inverse-gaussian", "1/mu^2", lot1 ~ log_u, inverse.gaussian, clotting, mccullagh)
cat("\n]}\n")
