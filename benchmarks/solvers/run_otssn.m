% Solve one stored problem with the code of Lin, Cuturi and Jordan (github.com/tyDLin/OTSSN).
% octave-cli --no-init-file run_otssn.m CHECKOUT FUNCTION INPUT OUTPUT
arguments = argv();
[checkout, name, source, target] = arguments{:};
addpath(checkout);
addpath(fullfile(checkout, 'subroutine'));
addpath(fullfile(checkout, 'utils'));
stored = load(source);
res_time = [];
res_norm = [];
if strcmp(name, 'IPM')
    [gamma, cost, seconds] = feval(name, stored.data, stored.reg1, stored.reg2, 0);
else
    [gamma, cost, seconds, res_time, res_norm] = ...
        feval(name, stored.data, stored.reg1, stored.reg2, 0);
end
% The same unit in Octave, since its BLAS may be another.
matrix = randn(length(gamma));
matrix = matrix + matrix';
tic;
[vectors, values] = eig(matrix);
eig_seconds = toc;
save('-v6', target, 'gamma', 'cost', 'seconds', 'res_time', 'res_norm', 'eig_seconds');
