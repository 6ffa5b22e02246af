from experiments import services
from experiments.models import Benchmark, Comparison, Experiment
from hokusai.accounts.models import Project, User
from hokusai.accounts.services import actor_of
from registry.models import ModelVersion


class ExperimentManager:
    """Experiments for Python code that runs beside Django: one person's work in one project."""

    def __init__(self, *, project: Project, user: User) -> None:
        self.project, self.actor = project, actor_of(user)

    def create_improvement_experiment(
        self, name: str, *, baseline: ModelVersion, benchmark: Benchmark, hypothesis: str = ""
    ) -> Experiment:
        """Open a line of work that tries to beat a baseline. Raises InvalidInput."""
        return services.create_experiment(
            project=self.project,
            name=name,
            model=baseline.model,
            baseline=baseline,
            benchmark=benchmark,
            actor=self.actor,
            hypothesis=hypothesis,
        )

    def compare_models(self, experiment: Experiment, candidate: ModelVersion) -> Comparison:
        """Ask for a candidate to be compared with the experiment's baseline; a worker does it.

        The same pair is the same comparison. Raises BenchmarkNotApproved, ArtifactNotReady.
        """
        return services.request_comparison(
            benchmark=experiment.benchmark,
            baseline=experiment.baseline,
            candidate=candidate,
            actor=self.actor,
            experiment=experiment,
        )
